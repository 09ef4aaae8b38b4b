/* table.c - the servers that legwork knows by name.
 *
 * All of them speak the same protocol, so a provider is a line here: where it
 * is, which variables name its key and another address, how many requests it
 * takes at once. What a server cannot do is not written down but learnt from
 * its refusals (caps.c), since that changes from model to model. */
#include "providers/endpoint.h"

#include <string.h>
#include <strings.h>

/* clang-format off */
static const struct provider_spec table[] = {
    { .id = "openai", .base_url = "https://api.openai.com/v1",
      .key_variable = "OPENAI_API_KEY", .url_variable = "OPENAI_BASE_URL",
      .key_required = true, .parallel = 16 },
    { .id = "together", .base_url = "https://api.together.xyz/v1",
      .key_variable = "TOGETHER_API_KEY", .url_variable = "TOGETHER_BASE_URL",
      .key_required = true, .parallel = 16 },
    { .id = "openrouter", .base_url = "https://openrouter.ai/api/v1",
      .key_variable = "OPENROUTER_API_KEY", .url_variable = "OPENROUTER_BASE_URL",
      .key_required = true, .parallel = 16 },
    { .id = "groq", .base_url = "https://api.groq.com/openai/v1",
      .key_variable = "GROQ_API_KEY", .url_variable = "GROQ_BASE_URL",
      .key_required = true, .parallel = 8 },
    { .id = "deepseek", .base_url = "https://api.deepseek.com/v1",
      .key_variable = "DEEPSEEK_API_KEY", .url_variable = "DEEPSEEK_BASE_URL",
      .key_required = true, .parallel = 16 },
    { .id = "mistral", .base_url = "https://api.mistral.ai/v1",
      .key_variable = "MISTRAL_API_KEY", .url_variable = "MISTRAL_BASE_URL",
      .key_required = true, .parallel = 8 },
    /* It queues by itself; more than it works on at once does no harm. */
    { .id = "ollama", .base_url = "http://127.0.0.1:11434/v1",
      .key_variable = "OLLAMA_API_KEY", .url_variable = "OLLAMA_HOST", .parallel = 4 },
    { .id = "tokasaurus", .base_url = "http://127.0.0.1:10210/v1", .parallel = 64 },
    { .id = NULL },
};
/* clang-format on */

static const struct provider_spec of_urls = { .id = "http", .parallel = 32 };

const struct provider_spec *provider_table(void)
{
    return table;
}

const struct provider_spec *provider_spec_of_urls(void)
{
    return &of_urls;
}

static bool is_url(const char *name)
{
    return strncasecmp(name, "http://", 7) == 0 || strncasecmp(name, "https://", 8) == 0;
}

const struct provider_spec *provider_spec_of(const char *model)
{
    size_t len = strcspn(model, "/");
    for (const struct provider_spec *s = table; s->id != NULL; s++) {
        if (strlen(s->id) == len && strncasecmp(s->id, model, len) == 0) {
            return s;
        }
    }
    return NULL;
}

bool provider_is_name(const char *model)
{
    return is_url(model) || (strchr(model, '/') != NULL && provider_spec_of(model));
}
