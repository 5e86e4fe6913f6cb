"""What a running container may do, by what the kernel says of its first process."""

from pathlib import Path

from tests.kube.node import Pod, PodError, podman


def check_confined(pod: Pod) -> None:
    """As its security contexts promise. Raises: PodError."""
    pid = podman("inspect", pod.container_name, "--format", "{{.State.Pid}}")
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    root = next(
        line for line in Path(f"/proc/{pid}/mounts").read_text().splitlines() if line.split()[1] == "/"
    )
    wanted = {
        "runs as": (status["Uid"].split()[0], str(pod.spec["securityContext"]["runAsUser"])),
        "capabilities": (int(status["CapEff"], 16) | int(status["CapBnd"], 16), 0),
        "no new privileges": (status["NoNewPrivs"], "1"),
        "seccomp filter": (status["Seccomp"], "2"),
        "root file system": (root.split()[3].split(",")[0], "ro"),
    }
    for what, (found, promised) in wanted.items():
        if found != promised:
            raise PodError(f"{pod.name}: {what} {found}, not {promised}")


def memory_mib(pod: Pod) -> int:
    """Resident, of its process."""
    pid = podman("inspect", pod.container_name, "--format", "{{.State.Pid}}")
    (line,) = (it for it in Path(f"/proc/{pid}/status").read_text().splitlines() if it.startswith("VmRSS"))
    return int(line.split()[1]) // 1024
