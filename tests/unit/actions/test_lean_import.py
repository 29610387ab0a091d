"""What importing the SSH client does to a process."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.process  # what an import does is only seen in a fresh interpreter
def test_loading_the_ssh_client_starts_no_program():
    code = (
        "import sys\n"
        "started = []\n"
        "sys.addaudithook(lambda event, args: event == 'subprocess.Popen' and started.append(args[0]))\n"
        "import ctypes.util; search = ctypes.util.find_library\n"
        "import mcis_iac.actions.ssh\n"
        "assert not started, started\n"
        "assert ctypes.util.find_library is search\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
