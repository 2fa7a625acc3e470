"""Listens with the shortest queue, fills it and accepts nothing, so that whoever connects waits. Says its port; ends with its input."""
import socket
import sys

listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(0)
waiting = []
for _ in range(4):
    one = socket.socket()
    one.setblocking(False)
    one.connect_ex(listener.getsockname())
    waiting.append(one)
print(listener.getsockname()[1], flush=True)
sys.stdin.read()
