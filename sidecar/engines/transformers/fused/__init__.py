"""The decoder of the Llama family computed with few, large operations: what the library spends on small ones is most of
a step on a processor. Everything else about a model (tokenizer, template, sampling, score processors) stays the library's.
"""
