"""A client that resolves its name once, when it starts."""

import os
import socket
import threading
import urllib.request

address = socket.gethostbyname(os.environ["SURVEYOR_HOST"])
while not threading.Event().wait(0.5):
    try:
        urllib.request.urlopen(f"http://{address}:{os.environ['SURVEYOR_PORT']}/", timeout=2).read()
    except OSError:
        continue
