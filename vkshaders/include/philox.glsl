// Counter-based random numbers, bit for bit those of graph.PhiloxBlock and
// graph.Uniform (Philox 4x32-10, Salmon et al. 2011).
#ifndef PHILOX_GLSL
#define PHILOX_GLSL

uvec4 philox_block(uint c0, uint c1, uint c2, uint k0, uint k1) {
    uvec4 c = uvec4(c0, c1, c2, 0u);
    for (int round = 0; round < 10; round++) {
        uint hi0, lo0, hi1, lo1;
        umulExtended(0xD2511F53u, c.x, hi0, lo0);
        umulExtended(0xCD9E8D57u, c.z, hi1, lo1);
        c = uvec4(hi1 ^ c.y ^ k0, lo1, hi0 ^ c.w ^ k1, lo0);
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return c;
}

uint philox(uint c0, uint c1, uint c2, uint k0, uint k1) { return philox_block(c0, c1, c2, k0, k1).x; }

float uniform_01(uint bits) { return float(bits >> 8) * (1.0 / 16777216.0); }
#endif
