"""The only home of float: indicators, performance and charts."""
