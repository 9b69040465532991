"""A client with one session, whose connections are kept."""

import os
import threading

import requests

session = requests.Session()
while not threading.Event().wait(0.5):
    try:
        session.get(os.environ["SURVEYOR_URL"], timeout=2)
    except requests.RequestException:
        continue
