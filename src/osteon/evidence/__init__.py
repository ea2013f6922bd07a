"""From published and own results to a pooled estimate: tables, models, what a report implies, figures."""
