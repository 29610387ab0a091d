# placed MODE PATH: standard input becomes the file.
placed() {
    mkdir -p "${2%/*}/" || return
    (umask 077 && cat >"$2") || return
    chmod "$1" "$2" || return
    labelled "$2"
}
