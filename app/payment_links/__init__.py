"""Payment links and the pages behind them."""
