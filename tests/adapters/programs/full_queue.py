"""Listens with the shortest queue at each address, fills it and accepts nothing, so that whoever connects waits. Says its port; ends with its input."""
import socket
import sys

port = 0
held = []
for address in sys.argv[1:] or ["127.0.0.1"]:
    listener = socket.socket()
    listener.bind((address, port))
    port = listener.getsockname()[1]
    listener.listen(0)
    held.append(listener)
    for _ in range(4):
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex((address, port))
        held.append(one)
print(port, flush=True)
sys.stdin.read()
