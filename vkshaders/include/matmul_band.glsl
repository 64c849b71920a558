// The order of tiles. Eight rows of them are done column by column: those in the
// making together then share what they read, also where y is wide.
#ifndef MATMUL_BAND_GLSL
#define MATMUL_BAND_GLSL

const uint BAND = 8;

// tile is the row and column of the workgroup's tile.
uvec2 tile() {
    uint id = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    uint first = id / (BAND * gl_NumWorkGroups.x) * BAND;
    uint rows = min(gl_NumWorkGroups.y - first, BAND);
    uint within = id - first * gl_NumWorkGroups.x;
    return uvec2(first + within % rows, within / rows);
}
#endif
