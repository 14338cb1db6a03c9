"""Where frames come from: files, videos, streams and cameras."""
