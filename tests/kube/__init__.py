"""The Kubernetes manifests as running pods, without a cluster: `make test-kube`.

kustomize renders them, `pods` translates what `podman kube play` cannot take, `node` does what a kubelet
would (start, probe, end), `rolling` replaces pods under load. Needs podman as root: no part of `make test`.
What only a cluster has is not here: admission, scheduling, NetworkPolicies, autoscaling.
"""
