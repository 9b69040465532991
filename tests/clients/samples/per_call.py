"""A client that resolves and connects for each call, and tries one address after another."""

import os
import threading
import urllib.request

while not threading.Event().wait(0.5):
    try:
        urllib.request.urlopen(os.environ["SURVEYOR_URL"], timeout=2).read()
    except OSError:
        continue
