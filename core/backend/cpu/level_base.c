// The kernels for the instructions that every processor of the kind has.
#define LANES 4
#define LEVEL(name) name##_base
#include "kernels.h"
