/* repack.c - by the formats that most weights have, and by the processor. */
#include "engine/repack.h"

#include <ggml-cpu.h>

static bool has_tiles(void)
{
    return ggml_cpu_has_avx2() && !ggml_cpu_has_amx_int8();
}

bool repack_pays(const struct gguf_info *info)
{
    return !has_tiles() || info->k_bytes <= info->tensor_bytes / 2;
}
