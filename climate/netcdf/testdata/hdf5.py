"""Makes hdf5.zip: small HDF5 files with what the walk refuses or has to find.

    python hdf5.py        # h5py 3.16.0 with HDF5 2.0.0
"""
import io
import os
import tempfile
import zipfile

import h5py
import numpy as np

x = np.arange(6, dtype="f4").reshape(2, 3)
files = {}


def make(name, fill, **options):
    path = os.path.join(tempfile.mkdtemp(), "x.h5")
    with h5py.File(path, "w", **options) as f:
        fill(f)
    with open(path, "rb") as f:
        files[name] = f.read()


def plain(f):
    f["x"] = x
    g = f.create_group("inner")
    g["y"] = x
    g["alias"] = h5py.SoftLink("/inner/y")
    g["near"] = h5py.SoftLink("y")


def attribute(f):  # so large that it is kept elsewhere
    plain(f)
    for i in range(40):
        f["x"].attrs["a%d" % i] = np.zeros(500)


def external_link(f):
    f["out"] = h5py.ExternalLink("/etc/passwd", "/x")


def dense_external_link(f):
    f.create_group("full")
    for i in range(20):
        f["full/v%02d" % i] = x
    f["full/v99"] = h5py.ExternalLink("other.h5", "/x")


def external_storage(f):
    f.create_dataset("x", (2, 3), "f4", external=[("/etc/passwd", 0, 24)])


def virtual(f):
    layout = h5py.VirtualLayout((2, 3), "f4")
    layout[:] = h5py.VirtualSource("/tmp/other.h5", "x", (2, 3))
    f.create_virtual_dataset("x", layout)


def circle(f):
    f.create_group("a/b")
    f["a/b/c"] = f["a"]


def twice(f):
    f.create_group("a/b")
    f["d"] = f["a/b"]


def soft_group(f):
    f.create_group("a")["up"] = h5py.SoftLink("/")


def soft_nowhere(f):
    f["x"] = h5py.SoftLink("/none")


def soft_circle(f):
    f["x"], f["y"] = h5py.SoftLink("/y"), h5py.SoftLink("/x")


def filters(f):
    f.create_dataset("zipped", data=x, compression="gzip", shuffle=True, fletcher32=True, chunks=(1, 3))
    f.create_dataset("scaled", data=x.astype("i4"), scaleoffset=0, chunks=(1, 3))
    f.create_dataset("group/lzf", data=x, compression="lzf", chunks=(1, 3))
    f.create_dataset("_nc4_non_coord_scaled2", data=x.astype("i4"), scaleoffset=0, chunks=(1, 3))


def many(f):
    f["x"] = x
    f.create_dataset("scaled", data=x.astype("i4"), scaleoffset=0, chunks=(1, 3))
    for i in range(2500):
        f["a_link_with_a_name_that_is_rather_long_%06d" % i] = f["x"] if i % 100 else f["scaled"]


for libver, name in ("earliest", "earliest"), (("v110", "v110"), "latest"):  # what HDF5 1.10 reads
    for fill in (plain, attribute, external_link, dense_external_link, external_storage, circle, twice, soft_group, soft_nowhere, soft_circle, filters, many):
        make(fill.__name__ + "-" + name, fill, libver=libver)
make("plain-ordered", plain, libver=("v110", "v110"), track_order=True)
make("many-ordered", many, libver=("v110", "v110"), track_order=True)
make("virtual-latest", virtual, libver=("v110", "v110"))
make("userblock-latest", plain, libver=("v110", "v110"), userblock_size=512)
make("userblock-earliest", plain, libver="earliest", userblock_size=1024)

out = io.BytesIO()
with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as z:
    for name in sorted(files):
        z.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), files[name], zipfile.ZIP_DEFLATED, 9)
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "hdf5.zip"), "wb") as f:
    f.write(out.getvalue())
print(len(out.getvalue()), {k: len(v) for k, v in files.items()})
