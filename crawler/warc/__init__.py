"""Writes and reads the bytes of web archives: WARC records, their index (CDXJ), and the keys by which it is sorted."""
