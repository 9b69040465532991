"""A client with a cache: addresses for KEEP seconds (argument 1), "no such name" for FORGET seconds (argument 2)."""

import os
import random
import socket
import sys
import threading
import time
import urllib.request

keep, forget = map(float, sys.argv[1:3])
addresses, expires = [], 0.0
chance = random.Random(7)
while not threading.Event().wait(0.5):
    if time.monotonic() >= expires:
        try:
            found = socket.getaddrinfo(os.environ["SURVEYOR_HOST"], None, socket.AF_INET, socket.SOCK_STREAM)
            addresses, expires = [entry[4][0] for entry in found], time.monotonic() + keep
        except OSError:
            addresses, expires = [], time.monotonic() + forget
    if addresses:
        try:
            address = chance.choice(addresses)
            urllib.request.urlopen(f"http://{address}:{os.environ['SURVEYOR_PORT']}/", timeout=2).read()
        except OSError:
            continue
