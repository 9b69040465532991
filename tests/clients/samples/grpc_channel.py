"""A client with one channel of gRPC, which asks again after errors only."""

import os
import threading

import grpc

channel = grpc.insecure_channel(f"{os.environ['SURVEYOR_HOST']}:{os.environ['SURVEYOR_PORT']}")
call = channel.unary_unary("/any.Service/Method")
while not threading.Event().wait(0.5):
    try:
        call(b"", timeout=2)
    except grpc.RpcError:
        continue
