// dw = Σ d·x̂, db = Σ d over the rows of each part, x̂ = (x-mean)·rstd
// d [N, C], x [N, C], stats [N, 2], dw [PARTS, C], db [PARTS, C]; a workgroup 32 columns, or 128 by fours, of a part
#version 450
#include "columns.glsl"

FLOATS_IN(0, d, TYPE)
FLOATS_IN(1, x, TYPE)
layout(std430, set = 0, binding = 2) readonly buffer Stats { vec2 stats[]; };
FLOATS_OUT(3, dw, F32)
FLOATS_OUT(4, db, F32)
PLACES_OF(d)
PLACES_OF(x)
PLACE_STORES(dw)
PLACE_STORES(db)

void main() {
    vec4 w = vec4(0.0), b = vec4(0.0);
    if (PLACE < PLACES) {
        EACH_ROW(n, ours,
                 vec4 e = d_at(n);
                 w += mix(vec4(0.0), e * (x_at(n) - stats[n].x) * stats[n].y, ours);
                 b += mix(vec4(0.0), e, ours);)
    }
    w = columns_sum(w);
    b = columns_sum(b);
    if (PLACE < PLACES && gl_LocalInvocationID.y == 0) {
        dw_put(w);
        db_put(b);
    }
}
