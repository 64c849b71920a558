"""Makes hdf5.tar.gz: small NetCDF-4 files that ask more of a reader than numbers.

    python hdf5.py

h5py 3.16.0 (HDF5 2.0.0), netCDF4 1.7.5; every run makes files of the same
meaning, not of the same bytes. The secret that some of them are after is a file
of the folder above the one that they lie in.
"""
import gzip, io, os, shutil, tarfile, tempfile

import h5py, netCDF4
import numpy as np

months, rows, columns = 24, 4, 8


def good(path, kind="f4", endian="native", **how):
    with netCDF4.Dataset(path, "w", format="NETCDF4") as d:
        d.Conventions = "CF-1.8"
        d.createDimension("time", None)
        d.createDimension("lat", rows)
        d.createDimension("lon", columns)
        for name, units, standard, values in [
            ("lat", "degrees_north", "latitude", -67.5 + 45 * np.arange(rows)),
            ("lon", "degrees_east", "longitude", 45.0 * np.arange(columns)),
            ("time", "days since 1990-01-01", "time", 15 + 30.0 * np.arange(months)),
        ]:
            v = d.createVariable(name, "f8", (name,))
            v.units, v.standard_name = units, standard
            v[:] = values
        d["time"].calendar = "360_day"
        v = d.createVariable("tas", kind, ("time", "lat", "lon"), endian=endian, **how)
        v.units, v.standard_name = "K", "air_temperature"
        t, cell = np.meshgrid(np.arange(months), np.arange(rows * columns), indexing="ij")
        v[:] = (280 + 10 * np.cos(t * np.pi / 6) + cell + np.sin(t * cell)).reshape(months, rows, columns)


def spoiled(change):
    def make(path):
        good(path)
        with h5py.File(path, "r+") as f:
            change(f)

    return make


def bare(change, **how):
    """A file that h5py alone makes; earliest has headers without checksums."""

    def make(path):
        with h5py.File(path, "w", **how) as f:
            change(f)

    return make


def axes(f):
    for name, units, values in [
        ("lat", "degrees_north", -67.5 + 45 * np.arange(rows)),
        ("lon", "degrees_east", 45.0 * np.arange(columns)),
        ("time", "days since 1990-01-01", 15 + 30.0 * np.arange(months)),
    ]:
        f[name] = values
        f[name].make_scale(name)
        f[name].attrs["units"] = units


def scaled(d):
    for i, name in enumerate(["time", "lat", "lon"]):
        d.dims[i].attach_scale(d.file[name])
    d.attrs["units"] = "K"
    return d


def replaced(make):
    """tas made anew."""

    def change(f):
        del f["tas"]
        make(f)

    return spoiled(change)


def deep(f, n=40):
    g = f
    for _ in range(n):
        g = g.create_group("g")


def filtered(number, flags=1):
    def change(f):
        axes(f)
        p = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        p.set_chunk((1, rows, columns))
        p.set_filter(number, flags, (1, 2, 3))
        s = h5py.h5s.create_simple((months, rows, columns))
        h5py.h5d.create(f.id, b"tas", h5py.h5t.IEEE_F32LE, s, p)
        scaled(f["tas"])[:] = 280

    return change


def virtual(f):
    layout = h5py.VirtualLayout((months, rows, columns), "f4")
    layout[:] = h5py.VirtualSource("../secret", "tas", (months, rows, columns))
    f.create_virtual_dataset("tas", layout)
    scaled(f["tas"])


def typed(dtype, value=None):
    def change(f):
        axes(f)
        d = f.create_dataset("tas", (months, rows, columns), dtype)
        scaled(d)

    return change


def bomb(f):
    # A quarter of a gigabyte of zeros in as much of a megabyte, which is nothing once more compressed.
    f["lat"] = np.linspace(-89, 89, 1024)
    f["lon"] = np.linspace(0, 359, 1024)
    f["time"] = 15 + 30.0 * np.arange(64)
    for name, units in [("lat", "degrees_north"), ("lon", "degrees_east"), ("time", "days since 1990-01-01")]:
        f[name].make_scale(name)
        f[name].attrs["units"] = units
    d = f.create_dataset("tas", (64, 1024, 1024), "f4", chunks=(16, 1024, 1024), compression=9)
    scaled(d)
    for i in range(0, 64, 16):
        d[i : i + 16] = 0


def huge(shape, chunks):
    def change(f):
        axes(f)
        d = f.create_dataset("tas", shape, "f4", chunks=chunks)
        d.attrs["units"] = "K"

    return change


def outside(f):
    axes(f)
    d = f.create_dataset("tas", (months, rows, columns), "f4", external=[("../secret", 0, 4 * months * rows * columns)])
    scaled(d)


def loop(f):
    f["a"] = h5py.SoftLink("/b")
    f["b"] = h5py.SoftLink("/a")


def cycle(f):
    g = f.create_group("g")
    g["up"] = f
    g["self"] = g


def attribute(value, name="more", of="tas"):
    return spoiled(lambda f: f[of].attrs.create(name, value))


def numerous(f):
    for i in range(300):
        f.create_group(f"g{i}")


cases = {
    "good": good,
    "deflate": lambda p: good(p, zlib=True, shuffle=True, fletcher32=True, complevel=1),
    "big_endian": lambda p: good(p, endian="big"),
    "earliest": bare(lambda f: (axes(f), scaled(f.create_dataset("tas", data=np.full((months, rows, columns), 280, "f4")))), libver="earliest"),
    "latest": bare(lambda f: (axes(f), scaled(f.create_dataset("tas", data=np.full((months, rows, columns), 280, "f4")))), libver="latest"),
    "user_block": bare(lambda f: (axes(f), scaled(f.create_dataset("tas", data=np.full((months, rows, columns), 280, "f4")))), userblock_size=512),
    "half": bare(typed("f2")),
    "ext_link": spoiled(lambda f: f.__setitem__("other", h5py.ExternalLink("../secret", "/tas"))),
    "ext_link_tas": replaced(lambda f: f.__setitem__("tas", h5py.ExternalLink("../secret", "/tas"))),
    "ext_storage": bare(outside),
    "vds": replaced(virtual),
    "soft_link": spoiled(lambda f: f.__setitem__("alias", h5py.SoftLink("/tas"))),
    "soft_loop": spoiled(loop),
    "soft_nowhere": spoiled(lambda f: f.__setitem__("a", h5py.SoftLink("/../../secret"))),
    "group_cycle": spoiled(cycle),
    "group_deep": spoiled(deep),
    "group_many": spoiled(numerous),
    "shape": bare(huge((1 << 20, 1 << 15, 1 << 15), (1, 64, 64))),
    "shape_time": bare(lambda f: (huge((1 << 40, rows, columns), (1024, rows, columns))(f),), libver="latest"),
    "chunk_huge": bare(huge((1024, 16384, 16384), (1, 16384, 16383))),
    "rank": spoiled(lambda f: f.create_dataset("deep", (1,) * 32, "f4")),
    "bomb": bare(bomb),
    "filter": bare(filtered(32767)),
    "scale_offset": bare(lambda f: (axes(f), scaled(f.create_dataset("tas", (months, rows, columns), "i4", chunks=(1, rows, columns), scaleoffset=3)))),
    "vlen": bare(typed(h5py.vlen_dtype(np.float32))),
    "vlen_text": bare(typed(h5py.string_dtype())),
    "compound": bare(typed(np.dtype([("u", "f4"), ("v", "f4")]))),
    "opaque": bare(typed(np.dtype("V64"))),
    "enum": bare(typed(h5py.enum_dtype({"a": 1, "b": 2}, basetype="i2"))),
    "array": bare(typed(np.dtype(("f4", (3, 3))))),
    "reference": bare(typed(h5py.ref_dtype)),
    "boolean": bare(typed("?")),
    "no_axes": replaced(lambda f: f.create_dataset("tas", data=np.full((months, rows, columns), 280, "f4"))),
    "axis_lost": spoiled(lambda f: f.__delitem__("lat")),
    "axis_dangling": spoiled(lambda f: (f.create_dataset("x", data=np.zeros(rows)), f["x"].make_scale("x"), f["tas"].dims[1].attach_scale(f["x"]), f.__delitem__("x"))),
    "name_long": spoiled(lambda f: f.create_dataset("t" * 2000, data=np.zeros(3))),
    "name_control": spoiled(lambda f: f.create_dataset("t\x1b[2J", data=np.zeros(3))),
    "name_dotdot": spoiled(lambda f: f.create_dataset("..\\secret", data=np.zeros(3))),
    "attr_text": attribute(np.bytes_(b"x" * 60000)),
    "attr_vlen": attribute([["a", "b"], ["c", "d" * 1000]]),
    "attr_huge": bare(lambda f: (axes(f), scaled(f.create_dataset("tas", (months, rows, columns), "f4")).attrs.create("more", np.zeros(1 << 20))), libver="latest"),
    "attr_compound": attribute(np.zeros(3, [("u", "f4"), ("v", "S3")])),
    "attr_reference": spoiled(lambda f: f["tas"].attrs.create("more", f["lat"].ref)),
    "attr_empty": spoiled(lambda f: f["tas"].attrs.create("more", h5py.Empty("f4"))),
    "attr_units": spoiled(lambda f: f["tas"].attrs.create("units", [1.0, 2.0])),
    "attr_scale": spoiled(lambda f: f["tas"].attrs.create("scale_factor", np.nan)),
    "attr_utf8": spoiled(lambda f: f["tas"].attrs.create("units", np.bytes_(b"K\xff\xfe"))),
    "attr_many": spoiled(lambda f: [f["tas"].attrs.create(f"a{i}", i) for i in range(2000)]),
    "plain": bare(lambda f: f.create_dataset("x", data=np.zeros(3))),
    "empty": bare(lambda f: None),
}

out = io.BytesIO()
with tarfile.open(fileobj=out, mode="w") as tar:
    folder = tempfile.mkdtemp()
    for name, make in cases.items():
        path = os.path.join(folder, name + ".nc")
        os.chdir(folder)
        try:
            make(path)
        except Exception as e:
            raise SystemExit(f"{name}: {e}")
        info = tarfile.TarInfo(name + ".nc")
        info.size = os.path.getsize(path)
        with open(path, "rb") as f:
            tar.addfile(info, f)
        print(f"{info.size:9d} {name}")
    os.chdir("/")
    shutil.rmtree(folder)
here = os.path.dirname(os.path.abspath(__file__))
data = gzip.compress(out.getvalue(), 9, mtime=0)
with open(os.path.join(here, "hdf5.tar.gz"), "wb") as f:
    f.write(data)
print(f"{len(data):9d} hdf5.tar.gz")
