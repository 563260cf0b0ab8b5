# Answers for each line "pattern, tab, text" whether Python finds the pattern in the text.
import re
import sys

sys.stdin.reconfigure(encoding="utf-8")
for line in sys.stdin.read().split("\n"):
    pattern, text = line.split("\t")
    print(1 if re.search(pattern, text) else 0)
