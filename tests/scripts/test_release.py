"""`make release` names each reason not to publish, with what was expected, what was found and what to do."""

import hashlib
import json
import subprocess

import pytest

from scripts import release


@pytest.fixture
def project(tmp_path):
    """A project that is ready to be published, but for its build."""
    (tmp_path / "bmx").mkdir()
    (tmp_path / "bmx" / "_version.py").write_text('__version__ = "1.2.3"\n')
    (tmp_path / "CHANGELOG.md").write_text(
        "# Changelog\n\n## 1.2.3 - 2026-01-31\n\n### Added\n\n- A thing.\n"
    )
    (tmp_path / ".gitignore").write_text("/build/\n")
    models = tmp_path / release.MODELS
    models.mkdir(parents=True)
    (models / "lenet.params").write_bytes(b"weights")
    entry = {"file": "lenet.params", "sha256": hashlib.sha256(b"weights").hexdigest()}
    (models / "models.json").write_text(json.dumps({"format": 1, "models": [entry]}))
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "All")
    git(tmp_path, "tag", "v1.2.3")
    return tmp_path


def git(folder, *arguments):
    author = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *author, *arguments], cwd=folder, check=True, capture_output=True)


def reasons(project):
    return release.failures(project, (*release.CHECKS, release.check_models))


def test_a_finished_release_passes(project):
    assert reasons(project) == []


def test_the_version_needs_its_heading(project):
    (project / "bmx" / "_version.py").write_text('__version__ = "1.3.0"\n')
    (said,) = [reason for reason in reasons(project) if reason.startswith("CHANGELOG")]
    assert "expected the newest heading '## 1.3.0 - YYYY-MM-DD'" in said
    assert "found '1.2.3 - 2026-01-31'" in said


@pytest.mark.parametrize("heading", ["1.2.3", "1.2.3 (soon)", "1.2.30 - 2026-01-31"])
def test_the_heading_has_version_and_date(project, heading):
    (project / "CHANGELOG.md").write_text(f"# Changelog\n\n## {heading}\n\n- A thing.\n")
    with pytest.raises(release.ReleaseError, match=r"expected the newest heading '## 1\.2\.3 - YYYY-MM-DD'"):
        release.check_changelog(project)


def test_nothing_is_left_unreleased(project):
    text = "# Changelog\n\n## Unreleased\n\n### Fixed\n\n- A bug.\n\n## 1.2.3 - 2026-01-31\n"
    (project / "CHANGELOG.md").write_text(text)
    with pytest.raises(release.ReleaseError, match=r"rename the heading to '## 1\.2\.3 - YYYY-MM-DD'"):
        release.check_changelog(project)
    (project / "CHANGELOG.md").write_text(text.replace("- A bug.\n", ""))
    release.check_changelog(project)


def test_a_version_is_needed(project):
    (project / "bmx" / "_version.py").write_text("")
    with pytest.raises(release.ReleaseError, match="expected __version__"):
        release.version(project)


def test_the_tree_is_clean(project):
    (project / "new.txt").write_text("")
    assert reasons(project) == [
        "git: expected a clean tree, found 1 changed or untracked files (new.txt); commit or remove them."
    ]


def test_the_tag_is_on_this_commit(project):
    git(project, "commit", "--quiet", "--allow-empty", "--message", "One more")
    git(project, "tag", "nightly")
    assert reasons(project) == [
        "git: expected the tag v1.2.3 on this commit, found nightly; "
        "run 'git tag -a v1.2.3' when everything else is ready."
    ]


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (
            lambda models: (models / "models.json").unlink(),
            "expected models.json, found none; run 'make models'",
        ),
        (lambda models: (models / "lenet.params").unlink(), "found no file; run 'make models'"),
        (lambda models: (models / "lenet.params").write_bytes(b"others"), "expected SHA-256"),
        (
            lambda models: (models / "models.json").write_text('{"models": []}'),
            "expected trained nets, found none",
        ),
    ],
)
def test_models_are_those_of_the_index(project, damage, found):
    damage(project / release.MODELS)
    (said,) = reasons(project)
    assert found in said


def test_archives_hold_what_they_must():
    release.check_contents("a.tar.gz", ["bmx/__init__.py", "src/x.cc"], ["src/x.cc"])
    with pytest.raises(
        release.ReleaseError, match=r"a\.tar\.gz: expected src/y\.cc in it, found 1 files without"
    ):
        release.check_contents("a.tar.gz", ["src/x.cc"], ["src/y.cc"])
