"""Models computed with few, large operations, since what the library spends on small ones is much of a step on a processor:
the Llama family's decoder, the Bart family's, the BERT family's encoder. Everything else about a model (tokenizer, template,
sampling, score processors) stays the library's.
"""
