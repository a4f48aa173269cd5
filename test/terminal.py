# terminal.py STEPS OUT COMMAND...: runs a command on a terminal of its own, 80 columns by 24 rows, that neither echoes nor translates, so that
# what it shows is what was written to it. STEPS (JSON) is a list of ["expect", text], ["send", text] and ["size", rows, columns]. What was shown
# goes to the file OUT; ends as the command did, 128 + n for signal n. A command that takes longer than a minute is killed.
import fcntl, json, os, pty, select, signal, struct, sys, termios

steps, shown, command = json.loads(sys.argv[1]), b"", sys.argv[3:]
master, slave = pty.openpty()
attributes = termios.tcgetattr(slave)
attributes[1] &= ~termios.OPOST
attributes[3] &= ~(termios.ECHO | termios.ECHOE | termios.ECHOK | termios.ECHOCTL)
termios.tcsetattr(slave, termios.TCSANOW, attributes)


def resize(rows, columns):
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


resize(24, 80)
child = os.fork()
if child == 0:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in range(3):
        os.dup2(slave, fd)
    os.closerange(3, 64)
    os.execvp(command[0], command)
os.close(slave)


def give_up(*_):
    os.kill(child, signal.SIGKILL)
    sys.exit(f"nothing happened for a minute; shown: {shown!r}")


signal.signal(signal.SIGALRM, give_up)
signal.alarm(60)


def read():
    global shown
    try:
        data = os.read(master, 65536)
    except OSError:
        return False
    shown += data
    return data != b""


position = 0
for kind, *words in steps:
    if kind == "send":
        os.write(master, words[0].encode())
    elif kind == "size":
        resize(*words)
    else:
        text = words[0].encode()
        while shown.find(text, position) < 0:
            if not read():
                sys.exit(f"the command ended without {text!r}; shown: {shown!r}")
        position = shown.find(text, position) + len(text)
        # What the program does next, such as reading, it does after it has written.
        select.select([], [], [], 0.1)
while read():
    pass
_, status = os.waitpid(child, 0)
with open(sys.argv[2], "wb") as out:
    out.write(shown)
sys.exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
