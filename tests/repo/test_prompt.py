"""A password that is typed: by a person at a terminal, who may also think better of it."""
import os
import pty
import select
import signal
import termios

from place import BELAY

QUESTION = b"password of the repository: "
NEW = b"password of the new repository: "
AGAIN = b"password of the new repository, again: "


def at_terminal(folder, words, answers):
    """Types each answer when its question stands there; returns the status, and what was shown."""
    child, keyboard = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execv(BELAY, [str(BELAY), *words])
    shown, open_questions = b"", list(answers)
    try:
        while True:
            assert select.select([keyboard], [], [], 60)[0], f"it waits after {shown!r}"
            try:
                got = os.read(keyboard, 4096)
            except OSError:  # it has ended
                break
            if not got:
                break
            shown += got
            if open_questions and shown.endswith(open_questions[0][0]):
                assert not termios.tcgetattr(keyboard)[3] & termios.ECHO
                os.write(keyboard, open_questions.pop(0)[1])
    except BaseException:
        os.kill(child, signal.SIGKILL)
        raise
    finally:
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os.close(keyboard)
    assert not open_questions, f"nobody asked {open_questions}: {shown!r}"
    return status, shown.decode()


def test_a_password_is_typed_twice_and_never_shown(tmp_path):
    init = ["repo", "init", "-r", "new"]
    status, shown = at_terminal(tmp_path, init, [(NEW, b"secret\n"), (AGAIN, b"sceret\n")])
    assert status == 2 and "are not the same" in shown and not (tmp_path / "new").exists()
    status, shown = at_terminal(tmp_path, init, [(NEW, b"\n")])
    assert status == 2 and "is empty" in shown and not (tmp_path / "new").exists()
    status, shown = at_terminal(tmp_path, init, [(NEW, b"secret\n"), (AGAIN, b"secret\n")])
    assert status == 0 and "secret" not in shown
    points = ["snapshots", "-r", "new"]
    assert at_terminal(tmp_path, points, [(QUESTION, b"secret\n")])[0] == 0
    status, shown = at_terminal(tmp_path, points, [(QUESTION, b"sceret\n")])
    assert status == 12 and "sceret" not in shown


def test_who_stops_at_the_question_has_done_nothing(tmp_path):
    for key in (b"\x03", b"\x04"):  # Ctrl-C, Ctrl-D
        status, shown = at_terminal(tmp_path, ["repo", "init", "-r", "new"], [(NEW, key)])
        assert status == 130 and "nothing was done" in shown
        assert not (tmp_path / "new").exists()
