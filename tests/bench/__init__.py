"""How fast it is, on this machine, next to what this machine can do: `make bench`.

    plan       what is measured, and what is aimed for
    world      tenants, clients, users and signing keys: rows and real keys, written straight to the stores
    works      the requests of each kind of work, and whether an answer is right
    generator  32 keep-alive connections, each with one request under way; bytes in, bytes out
    proof      a sample of the answers, verified as a client would
    usage      CPU time and resident memory by process
    limits     the machine's own limits, measured in the same run
    bench      the run: stages of tenants and token processes, each a `stage`
    results    figures; report and picture: how they are shown

Nothing here is part of the product, and no test depends on a figure.
"""
