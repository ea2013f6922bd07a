"""A systematic review in one project: every action an event, every count a query, from the search to the pooled estimate."""
