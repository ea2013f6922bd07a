"""Public data as cohorts: one function a data set, from a folder that the user has; nothing is downloaded."""
