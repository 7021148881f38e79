"""A repository that ssh reaches, against a real sshd: with restic, both ways, and with what goes wrong."""
import os
import subprocess

import pytest

import remote
from place import Place, RESTICS
from servers import Sftp, wait_for

pytestmark = pytest.mark.skipif(not Sftp.is_there(), reason="no sshd is installed, or we are not root")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    made = Sftp(tmp_path_factory.mktemp("sftp"))
    yield made
    made.stop()


@pytest.fixture
def place(server, tmp_path):
    made = Place(tmp_path, RESTICS[0])
    made.move_to(server.location(tmp_path / "remote/repo"), server.belay_words(), server.restic_words())
    remote.make_tree(tmp_path)
    return made


def test_the_backend_conforms(server, tmp_path):
    remote.conforms(server.location(tmp_path), server.belay_words()[1])


def test_it_conforms_without_the_extensions_of_openssh(tmp_path):
    """rclone's server knows neither of them, and answers in other words."""
    from servers import Rest
    if not Rest.is_there():
        pytest.skip("rclone is not installed")
    (tmp_path / "data").mkdir()
    command = f"rclone serve sftp --stdio --config {tmp_path}/none {tmp_path}/data"
    remote.conforms("sftp:somewhere:/repo", f"sftp.command={command}")


def test_both_programs_read_what_the_other_wrote(place):
    remote.both_programs_read_what_the_other_wrote(place)
    left = [path.name for path in (place.folder / "remote/repo").rglob("*") if "tmp" in path.name]
    assert left == []


def test_a_wrong_path_is_no_repository_and_makes_none(place):
    for words in (["snapshots"], ["backup", "--path", "/etc/hostname"], ["prune"]):
        assert "no repository" in place.belay(*words, status=10)
    assert not (place.folder / "remote").exists()


def test_an_unknown_host_key_is_refused_and_never_taken(place, server):
    (server.folder / "nobody").write_text("")
    place.move_to(place.repo, server.belay_words(known="nobody"))
    assert "known_hosts" in place.belay("repo", "init", status=1)
    assert (server.folder / "nobody").read_text() == "" and not (place.folder / "remote").exists()


def test_an_unknown_user_key_is_refused_without_a_question(place, server):
    if not (server.folder / "other").exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", server.folder / "other"], check=True)
    place.move_to(place.repo, server.belay_words(key="other"))
    assert "Let a key of this user in" in place.belay("snapshots", status=1)


def test_a_server_without_sftp_is_said(tmp_path):
    place = Place(tmp_path, RESTICS[0])
    place.move_to("sftp:example.org:/repo", ("-o", "sftp.command=echo welcome to this machine"))
    assert "speak SFTP" in place.belay("snapshots", status=1)
    place.move_to("sftp:example.org:/repo", ("-o", "sftp.command=/nowhere/ssh"))
    assert "no program '/nowhere/ssh'" in place.belay("snapshots", status=1)
    place.move_to("sftp:-oProxyCommand=x:/repo")
    place.belay("snapshots", status=2)


def test_a_backup_outlives_a_connection_that_is_cut(tmp_path):
    server = Sftp(tmp_path / "own")
    try:
        place = Place(tmp_path, RESTICS[0])
        place.move_to(server.location(tmp_path / "repo"), server.belay_words(), server.restic_words())
        place.belay("repo", "init")
        (tmp_path / "tree").mkdir()
        for number in range(4):
            (tmp_path / f"tree/{number}").write_bytes(os.urandom(20_000_000))
        process = place.start("backup", "--path", tmp_path / "tree")
        wait_for(lambda: any(path.is_file() for path in (tmp_path / "repo/data").rglob("*"))
                 or process.poll() is not None, "a pack")
        children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True)
        for pid in children.stdout.split():
            os.kill(int(pid), 9)
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        place.restic("check", "--read-data")
    finally:
        server.stop()
