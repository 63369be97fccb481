# Sourced by the scripts beside it: what they know about the machine they prepare.

# Each argument is a line.
say() { printf '%s\n' "$@" >&2; }

# Says what a person has to do and exits with 2, which means: this machine is not set up.
ask_a_person() {
    say "$@"
    exit 2
}

# The name by which root could be reached from here without a question: "", "sudo -n", or "no".
way_to_root() {
    if [ "$(id -u)" -eq 0 ]; then
        echo ""
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        echo "sudo -n"
    else
        echo "no"
    fi
}

# Installs Debian packages without a question and without starting a service, or says how.
install_packages() {
    local root
    root=$(way_to_root)
    if ! command -v apt-get >/dev/null; then
        ask_a_person "Missing on this machine: $*" "Install what these Debian packages hold, then run this again."
    fi
    if [ "$root" = no ]; then
        say "Missing on this machine: $*" "Run this, then try again:" "" \
            "    sudo apt-get install --yes --no-install-recommends $*"
        case " $* " in *" postgresql "* | *" openssh-server "* | *" kamailio "* | *" rtpengine-daemon "*)
            say "" "or this, which starts no service:" "" "    sudo bash $PWD/bootstrap/install-packages $*" ;;
        esac
        say ""
        exit 2
    fi
    say "Installing $*"
    # shellcheck disable=SC2086 # "sudo -n" is two words, and none for root
    $root bash bootstrap/install-packages "$@"
}

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

# Prints the interpreter to use: PYTHON, or the first of the usual names that is Python 3.11 or later.
find_python() {
    local name
    if [ -n "${PYTHON:-}" ]; then
        is_new_enough "$PYTHON" || ask_a_person "PYTHON=$PYTHON is not Python 3.11 or later."
        command -v "$PYTHON"
        return
    fi
    for name in python3 python3.13 python3.12 python3.11; do
        if command -v "$name" >/dev/null && is_new_enough "$name"; then
            command -v "$name"
            return
        fi
    done
    return 1
}

# Debian's package with what `python -m venv` needs of interpreter $1.
venv_package() {
    if [ "$(readlink -f "$1")" = "$(readlink -f /usr/bin/python3)" ]; then
        echo python3-venv
    else
        "$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'
    fi
}

has() { command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ]; }

# Prints Debian's packages that the demonstration needs and this machine lacks.
missing_demo_packages() {
    has espeak-ng || echo espeak-ng
}

# The same for the tests.
missing_test_packages() {
    missing_demo_packages
    has ffmpeg || echo ffmpeg
    has msgfmt || echo gettext
    compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || has initdb || echo postgresql
    has node || echo nodejs
    has npm || echo npm
    has sftp || echo openssh-client
    has sshd || echo openssh-server
    has unshare || echo util-linux
    [ -n "${CHROMIUM:-}" ] || has chromium || echo chromium
    [ -n "${FIREFOX:-}" ] || has firefox-esr || echo firefox-esr
    has baresip || echo baresip-core
    has gcc || echo gcc
    has ip || echo iproute2
    has kamailio || echo kamailio
    [ -e /usr/include/stdio.h ] || echo libc6-dev
    compgen -G '/usr/lib/*/libpcap.so.0.8' >/dev/null || echo libpcap0.8
    has nft || echo nftables
    has rtpengine || echo rtpengine-daemon
    has sipp || echo sip-tester
    has tshark || echo tshark
}
