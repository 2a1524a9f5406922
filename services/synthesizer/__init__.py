"""The synthesizer: words one answer from the winners and delivers it."""
