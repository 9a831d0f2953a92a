"""The pages of the window, one module or package each. They know the session, the models behind them and the widgets."""
