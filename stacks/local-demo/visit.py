"""Call the demo's web service through its public addresses: `mcis outputs --json | python visit.py`.

Exits 1 when a web VM does not answer within 20 seconds.
"""

import json
import sys
import time
import urllib.request


def answer(url: str, deadline: float) -> str:
    """The service's text, or why there is none; a service may start a moment after its VM."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        try:
            with direct.open(url, timeout=5) as reply:
                return reply.read().decode().strip()
        except OSError as error:
            if time.monotonic() > deadline:
                return f"no answer: {error}"
            time.sleep(0.1)


def main() -> int:
    inventory = json.load(sys.stdin)["inventory"]
    bad = 0
    for name, vm in sorted(inventory.items()):
        if vm["group"] != "web":
            continue
        url = f"http://{vm['public_ip']}:8080/"
        text = answer(url, time.monotonic() + 20)
        bad += text != f"hello from {name}"
        print(f"{url}  {text}")
    return min(bad, 1)


if __name__ == "__main__":
    sys.exit(main())
