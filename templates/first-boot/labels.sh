# labelled PATH: SELinux, where there is any, wants to know what a new file is for.
labelled() {
    if command -v restorecon >/dev/null; then restorecon "$1"; fi
}
