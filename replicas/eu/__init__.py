"""The European sources as local servers: invented figures, and layouts of which most are our guess (README.md here)."""
