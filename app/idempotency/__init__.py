"""Operations: each write runs once, whatever fails in between."""
