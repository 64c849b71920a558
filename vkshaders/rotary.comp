// y[i] = x[i]·cos - x[i+h]·sin, y[i+h] = x[i+h]·cos + x[i]·sin by heads; other columns stay
// x, y [B·T, C], table [places, 2h] of cosines, then sines, start [B]
#version 450
#include "dtype.glsl"
#include "grid.glsl"

layout(local_size_x = 128) in;
layout(constant_id = 0) const uint TYPE = F32;
layout(constant_id = 1) const bool START = false;
layout(push_constant) uniform Push { uint n, cols, len, heads, offset, stride, half_turned, places; float sign; };
FLOATS_IN(0, x, TYPE)
layout(std430, set = 0, binding = 1) readonly buffer Table { float table[]; };
layout(std430, set = 0, binding = 2) readonly buffer Start { int start[]; };
FLOATS_OUT(3, y, TYPE)

void main() {
    uint i = global_index();
    if (i >= n) {
        return;
    }
    uint row = i / cols, col = i % cols, at = 0, head = heads;
    if (col >= offset) {
        head = (col - offset) / stride;
        at = (col - offset) % stride;
    }
    float v = x_load(i);
    if (head < heads && at < 2 * half_turned) {
        int place = int(row % len);
        if (START) {
            place += start[row / len];
        }
        uint pair = at % half_turned, angle = uint(clamp(place, 0, int(places) - 1)) * 2 * half_turned + pair;
        float other = at < half_turned ? -x_load(i + half_turned) : x_load(i - half_turned);
        v = v * table[angle] + other * (sign * table[angle + half_turned]);
    }
    y_store(i, v);
}
