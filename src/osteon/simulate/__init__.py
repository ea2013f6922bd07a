"""Simulators with exact truth: software verification and teaching, never evidence."""
