"""A user at a browser who says yes: opens the address given and goes wherever it leads."""

import sys
import urllib.error
import urllib.request

try:
    urllib.request.urlopen(sys.argv[1], timeout=30).read()
except urllib.error.HTTPError as refused:
    print(refused.code, refused.read().decode())
