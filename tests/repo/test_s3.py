"""A repository in a bucket, against OpenStack Swift's S3 interface, which checks signatures; and restic on the same
bucket, through rclone, for Swift does not know the chunked uploads of restic's own S3 client."""
import os

import pytest

import remote
from place import Place, RESTICS
from servers import Rest, S3
from tree import describe

pytestmark = pytest.mark.skipif(not S3.is_there(), reason="swift or rclone is not installed")


def without_amazon(**more):
    return {**{name: value for name, value in os.environ.items() if not name.startswith("AWS_")}, **more}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    made = S3(tmp_path_factory.mktemp("s3"))
    yield made
    made.stop()


@pytest.fixture
def place(server, tmp_path):
    made = Place(tmp_path, RESTICS[0])
    made.env = {name: value for name, value in made.env.items() if not name.startswith("AWS_")}
    made.env.update(S3.ENVIRONMENT)
    made.move_to(server.location(tmp_path.name))
    return made


def test_the_backend_conforms(server):
    remote.conforms(server.location("conformance"), "s3.part-size=5MiB",  # large files are sent in parts then
                    env=without_amazon(**S3.ENVIRONMENT))


def test_restic_reads_what_we_wrote_and_we_what_it_wrote(place, server):
    tree = place.folder / "tree"
    tree.mkdir()
    for number in range(3):
        (tree / str(number)).write_bytes(os.urandom(1_000_000))
    ours = place.repo
    place.belay("repo", "init")
    place.belay("backup", "--path", tree)
    between = Rest(place.folder / "rest", remote=f":s3:shop/{place.folder.name}", words=[
        "--s3-provider", "Other", "--s3-endpoint", server.endpoint()], env=without_amazon(
            RCLONE_S3_ACCESS_KEY_ID="ops:backup", RCLONE_S3_SECRET_ACCESS_KEY="secretkey"))
    try:
        place.move_to(between.location())
        place.restic("check", "--read-data")
        place.restic("restore", "latest", "--target", place.folder / "theirs")
        assert describe(str(place.folder / "theirs") + str(tree)) == describe(tree)
        (tree / "new").write_bytes(bytes(range(256)) * 4000)
        place.restic("backup", tree)
    finally:
        between.stop()
    place.move_to(ours)
    assert "no errors" in place.belay("repo", "check", "--read-data")
    place.belay("restore", f"latest:{tree}", "--target", place.folder / "ours")
    assert describe(place.folder / "ours") == describe(tree)
    place.belay("forget", "--keep-last", "1", "--prune")
    assert "no errors" in place.belay("repo", "check", "--read-data")


def test_a_wrong_path_is_no_repository_and_a_wrong_bucket_is_named(place, server):
    assert "no repository" in place.belay("snapshots", status=10)
    place.move_to(server.location("x", bucket="nowhere"))
    said = place.belay("snapshots", status=10)
    assert "no bucket 'nowhere'" in said and "make the bucket first" in said
    assert "no bucket 'nowhere'" in place.belay("repo", "init", status=1)


def test_wrong_and_missing_credentials_are_told_and_no_secret_is_shown(place):
    said = place.belay("snapshots", status=1, env={"AWS_SECRET_ACCESS_KEY": "wrongword"})
    assert "AWS_SECRET_ACCESS_KEY" in said and "wrongword" not in said
    said = place.belay("repo", "init", status=1, env={"AWS_ACCESS_KEY_ID": "nobody"})
    assert "AWS_ACCESS_KEY_ID" in said
    said = place.belay("snapshots", status=2, env={"AWS_ACCESS_KEY_ID": "", "HOME": str(place.folder)})
    assert "no credentials" in said
    (place.folder / ".aws").mkdir()
    (place.folder / ".aws/credentials").write_text(
        "[default]\naws_access_key_id = ops:backup\naws_secret_access_key = secretkey\n")
    place.belay("snapshots", status=10, env={"AWS_ACCESS_KEY_ID": "", "HOME": str(place.folder)})
