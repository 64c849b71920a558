# Writes times as cftime decodes them: calendar, units, number, date. Lines are
# drawn at random; dates are rounded to the millisecond, which is as fine as
# days in float64 are. Needs numpy 2 and cftime 1.6.
#
#   python times.py 300 times.tsv.gz      the fixture: 300 of each calendar
#   python times.py 10000 FILE            and KIBAN_CFTIME=FILE go test -run TestCFTime
import gzip
import random
import sys
from datetime import timedelta

import cftime

random.seed(20261130)
FIXED = [("microseconds", 1e-6), ("msec", 1e-3), ("milliseconds", 1e-3), ("s", 1), ("secs", 1), ("seconds", 1), ("min", 60),
         ("minutes", 60), ("hrs", 3600), ("hours", 3600), ("h", 3600), ("days", 86400), ("day", 86400), ("d", 86400)]
ALONE = {"360_day": [("months", 30 * 86400)], "noleap": [("common_years", 365 * 86400)], "365_day": [("common_years", 365 * 86400)]}
DAYS = {"360_day": 360, "noleap": 365, "365_day": 365, "all_leap": 366, "366_day": 366}
CALENDARS = ["standard", "gregorian", "proleptic_gregorian", "julian", "noleap", "365_day", "all_leap", "366_day", "360_day"]
MONTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]


def reference(calendar):
    y = random.choice([1, 1582, 1850, 1900, 2000, random.randint(1, 9990)])
    m = random.randint(1, 12)
    last = 30 if calendar == "360_day" else 29 if m == 2 and calendar in ("all_leap", "366_day") else MONTHS[m - 1]
    d = random.randint(1, last)
    if (y, m) == (1582, 10) and calendar in ("standard", "gregorian"):
        d = random.choice([1, 4, 15, 31])
    date = random.choice([f"{y:04d}-{m:02d}-{d:02d}", f"{y}-{m}-{d}"])
    h, mi, s = random.randint(0, 23), random.randint(0, 59), random.randint(0, 59)
    clock = random.choice(["", f" {h:02d}:{mi:02d}:{s:02d}", f"T{h:02d}:{mi:02d}:{s:02d}Z", f" {h:02d}:{mi:02d}", f" {h}:{mi}:{s}.0",
                           f" {h:02d}:{mi:02d}:{s:02d} +05:30", f" {h:02d}:{mi:02d}:{s:02d} -0600", f" {h:02d}:{mi:02d}:{s:02d} UTC"])
    return y, date + clock


def line(calendar):
    name, seconds = random.choice(FIXED + ALONE.get(calendar, []) * 4)
    y, since = reference(calendar)
    units = f"{name} since {since}"
    year = DAYS.get(calendar, 365) * 86400 / seconds
    low, high = 2 - y, 9997 - y
    span = random.choice([1 / 365, 1, 30, 10000])
    value = random.uniform(max(low, -span), min(high, span)) * year
    value = random.choice([value, float(round(value)), round(value * 2) / 2, round(value * 8) / 8])
    try:
        date = cftime.num2date(value, units, calendar, only_use_cftime_datetimes=True) + timedelta(microseconds=500)
    except (ValueError, OverflowError) as e:
        if calendar in ("standard", "gregorian") and "1582" in since:
            return None
        raise SystemExit(f"{value!r} {units} {calendar}: {e}")
    if not 1 <= date.year <= 9998:
        return None
    return (f"{calendar}\t{units}\t{value!r}\t{date.year:04d}-{date.month:02d}-{date.day:02d} "
            f"{date.hour:02d}:{date.minute:02d}:{date.second:02d}.{date.microsecond // 1000:03d}\n")


n, path = int(sys.argv[1]), sys.argv[2]
out = [f"# cftime {cftime.__version__}, {n} of each calendar, by times.py\n"]
for calendar in CALENDARS:
    lines = []
    while len(lines) < n:
        x = line(calendar)
        if x:
            lines.append(x)
    out += lines
with gzip.GzipFile(path, "wb", mtime=0) as f:
    f.write("".join(out).encode())
