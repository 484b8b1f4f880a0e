"""On a GPU the models, the training and the generation give what the CPU gives.

Skipped without one; the same code is tested on the CPU in full elsewhere.
"""

import copy

import pytest
import torch

from llm_notes.data.tokenizers import CharacterTokenizer
from llm_notes.inference.generate import generate
from llm_notes.inference.quantization import FORMATS, quantize_model
from llm_notes.inference.sampling import SamplingSettings
from llm_notes.inference.speculative import CachedModel, speculate
from llm_notes.models.bert import BERTConfig, BERTForPretraining
from llm_notes.models.gpt import GPT, GPTConfig
from llm_notes.models.llama import Llama, LlamaConfig
from llm_notes.models.rnn import CELLS, RNNConfig, RNNLanguageModel
from llm_notes.models.transformer import Transformer, TransformerConfig
from llm_notes.runtime import best_device, best_dtype, seed_everything
from llm_notes.training.batches import WindowBatches
from llm_notes.training.checkpoint import load_checkpoint, save_checkpoint
from llm_notes.training.run_state import SaveRun, resume
from llm_notes.training.trainer import Trainer, TrainingConfig

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"),
    # PyTorch's own: what compiles imports what is deprecated, and cuDNN would rather
    # have the weights of a recurrent layer in one piece.
    pytest.mark.filterwarnings("ignore:.*script_method:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:RNN module weights:UserWarning"),
    pytest.mark.filterwarnings("ignore:TensorFloat32:UserWarning"),
]

V, T = 61, 24
IDS = torch.randint(V, (5, 17), generator=torch.Generator().manual_seed(0))
TEXT = torch.arange(4000) * 7 % 59 + torch.arange(4000) % 2  # can be learnt
GPT_SIZES = GPTConfig(V, T, n_layers=2, n_heads=4, d_model=32, rotary=True)


@pytest.fixture(autouse=True)
def whole_precision():
    """Products of float32 numbers in float32, as on the CPU."""
    backends = torch.backends.cuda.matmul, torch.backends.cudnn
    before = [backend.allow_tf32 for backend in backends]
    for backend in backends:
        backend.allow_tf32 = False
    torch.manual_seed(0)
    yield
    for backend, allowed in zip(backends, before, strict=True):
        backend.allow_tf32 = allowed


def models():
    llama = LlamaConfig(V, T, n_layers=2, n_heads=4, n_kv_heads=2, d_model=32, d_ff=48)
    yield GPT(GPT_SIZES), (IDS,)
    yield Llama(llama), (IDS,)
    yield BERTForPretraining(BERTConfig(V, T, 2, 4, 32)), (IDS,)
    yield Transformer(TransformerConfig(V, T, 2, 4, 32)), (IDS, IDS[:, :11])
    for cell in CELLS:
        yield RNNLanguageModel(RNNConfig(V, 32, cell=cell)), (IDS,)


def logits_of(output):
    return output[0] if isinstance(output, tuple) else output


@torch.no_grad()
@pytest.mark.parametrize("place", range(4 + len(CELLS)))
def test_logits_equal_those_of_the_cpu(place):
    model, inputs = list(models())[place]
    wanted = logits_of(model.eval()(*inputs))
    found = logits_of(model.cuda()(*(ids.cuda() for ids in inputs)))
    torch.testing.assert_close(found.cpu(), wanted, atol=2e-5, rtol=1e-5)


@torch.no_grad()
def test_bfloat16_stays_near_float32():
    model = GPT(GPT_SIZES).eval().cuda()
    wanted = model(IDS.cuda()).log_softmax(-1)
    found = copy.deepcopy(model).bfloat16()(IDS.cuda()).float().log_softmax(-1)
    assert (found - wanted).abs().max() < 0.05


def trained(n_steps=60, device="cuda", callbacks=(), sizes=GPT_SIZES, **settings):
    seed_everything(3)
    config = TrainingConfig(n_steps, 5e-3, n_warmup=5, **settings)
    model = GPT(sizes).to(device)
    batches = WindowBatches(TEXT, 8, T, seed=1)
    return Trainer(model, batches, config, callbacks=callbacks)


def test_training_equals_the_cpu_s_in_float32():
    on_cpu = trained(20, "cpu", dtype="float32").fit().train_loss
    on_gpu = trained(20, dtype="float32").fit().train_loss
    assert on_gpu == pytest.approx(on_cpu, rel=1e-3)


def test_training_takes_bfloat16_by_itself_and_learns_as_much():
    assert best_device().type == "cuda"
    runner = trained()
    assert runner.dtype == best_dtype("cuda") != torch.float32
    whole = trained(dtype="float32").fit().train_loss
    half = runner.fit().train_loss
    assert half[-1] < 0.5 * half[0]
    assert half[-1] == pytest.approx(whole[-1], rel=0.1)
    assert {p.dtype for p in runner.model.parameters()} == {torch.float32}


def test_float16_scales_its_loss():
    runner = trained(dtype="float16")
    assert runner.scaler.is_enabled()
    losses = runner.fit().train_loss
    assert losses[-1] < 0.5 * losses[0]


def test_a_compiled_run_equals_an_eager_one():
    eager = trained(10, dtype="float32").fit().train_loss
    compiled = trained(10, dtype="float32", compile=True).fit().train_loss
    assert compiled == pytest.approx(eager, rel=1e-3)


def test_blocks_that_forget_their_activations_learn_the_same():
    kept = trained(10, dtype="float32").fit().train_loss
    forgotten = trained(10, dtype="float32", checkpointing=True).fit().train_loss
    assert forgotten == pytest.approx(kept, rel=1e-5)


def test_a_run_goes_on_where_it_was_saved(tmp_path):
    dropout = GPTConfig(V, T, n_layers=2, n_heads=4, d_model=32, dropout=0.2)
    whole = trained(12, sizes=dropout)
    whole.fit()
    first = trained(12, sizes=dropout, callbacks=[SaveRun(tmp_path, every=6)])
    first.callbacks.append(StopAt(6))
    first.fit()
    second = trained(12, sizes=dropout)
    assert resume(tmp_path, second) == 6
    losses = second.fit().train_loss
    assert losses == pytest.approx(whole.history.train_loss, rel=1e-5)


class StopAt:
    def __init__(self, step):
        self.step = step

    def on_step(self, trainer):
        if trainer.step == self.step:
            trainer.stop("enough")


def test_what_was_trained_on_a_gpu_is_read_on_the_cpu(tmp_path):
    model = trained(8).model
    letters = CharacterTokenizer.train("abc")
    save_checkpoint(tmp_path / "gpt", model, letters)
    read = load_checkpoint(tmp_path / "gpt", GPT, GPTConfig).model
    assert {p.device.type for p in read.parameters()} == {"cpu"}
    wanted = model.eval()(IDS.cuda()).cpu()
    torch.testing.assert_close(read.eval()(IDS), wanted, atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize("use_cache", [True, False])
def test_greedy_text_is_that_of_the_cpu(use_cache):
    model = trained(60, "cpu", dtype="float32")
    model.fit()
    model = model.model.eval()
    prompts = TEXT[:30].view(5, 6)
    wanted = generate(model, prompts, 12, temperature=0)
    options = {"temperature": 0, "use_cache": use_cache}
    found = generate(model.cuda(), prompts.cuda(), 12, **options)
    assert found.device.type == "cuda"
    assert torch.equal(found.cpu(), wanted)


def test_drawn_text_repeats_with_its_seed():
    model = GPT(GPT_SIZES).eval().cuda()

    def draw(seed):
        generator = torch.Generator("cuda").manual_seed(seed)
        return generate(model, IDS[:, :3].cuda(), 9, generator=generator)

    assert torch.equal(draw(5), draw(5))
    assert not torch.equal(draw(5), draw(6))


@torch.no_grad()
@pytest.mark.parametrize("name", FORMATS)
def test_a_model_of_small_integers_gives_the_same_logits(name):
    model = quantize_model(GPT(GPT_SIZES).eval(), FORMATS[name])
    wanted = model(IDS)
    found = model.cuda()(IDS.cuda()).cpu()
    torch.testing.assert_close(found, wanted, atol=2e-4, rtol=1e-3)


def test_a_draft_changes_no_greedy_text():
    model = GPT(GPT_SIZES).eval().cuda()
    small = GPT(GPTConfig(V, T, n_layers=1, n_heads=2, d_model=16)).eval().cuda()
    prompt = IDS[:1, :4].cuda()
    wanted = generate(model, prompt, 10, temperature=0)
    greedily = SamplingSettings(temperature=0)
    found = speculate(model, CachedModel(small), prompt, 10, 3, greedily)
    assert torch.equal(found.token_ids, wanted)
