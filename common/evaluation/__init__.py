"""The evaluation of a generated set against real cases, part by part."""
