"""Models that are programs, exported with `torch.export`: checked, built from data alone, and served like any other."""
