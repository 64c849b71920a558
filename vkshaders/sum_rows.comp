// y = Σ over the rows of each part of x, or y += it
// x [N, C], y [PARTS, C]; a workgroup 32 columns, or 128 where they go by fours, of a part
#version 450
#include "columns.glsl"

layout(constant_id = 3) const bool ADD = false;
FLOATS_IN(0, x, TYPE)
FLOATS_INOUT(1, y, F32)
PLACES_OF(x)
PLACES_OF(y)
PLACE_STORES(y)

void main() {
    vec4 sum = vec4(0.0);
    if (PLACE < PLACES) {
        EACH_ROW(n, ours, sum += mix(vec4(0.0), x_at(n), ours);)
    }
    sum = columns_sum(sum);
    if (PLACE < PLACES && gl_LocalInvocationID.y == 0) {
        y_put(ADD ? y_at(PART) + sum : sum);
    }
}
