"""OneRec: the next places as one list, from a decoder with sparse experts, tuned to rewards of its lists."""
