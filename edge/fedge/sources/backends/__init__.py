"""Each kind of source: files, video, cameras, memory."""
