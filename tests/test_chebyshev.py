"""The convolution against PyTorch Geometric, finite differences and the dense definition."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from torch_geometric.nn import ChebConv as ReferenceChebConv

import lwpipe.model.sparse as sparse_module
from lwpipe.mesh import adjacency, edges
from lwpipe.model.chebyshev import ChebConv, chebyshev_terms, clenshaw
from lwpipe.model.sparse import SparseMatrix, Upsample

VERTICES = 40


def random_triangles(seed: int) -> np.ndarray:
    """Triangles of a random soup: boundaries, several components and isolated vertices."""
    rng = np.random.default_rng(seed)
    triangles = np.stack([rng.choice(VERTICES - 5, 3, replace=False) for _ in range(45)])
    return triangles.astype(np.int64)


def scaled_laplacian(triangles: np.ndarray) -> sp.csr_matrix:
    a = adjacency(triangles, VERTICES)
    degree = np.asarray(a.sum(axis=1)).ravel()
    inverse = np.divide(1.0, np.sqrt(degree), out=np.zeros_like(degree), where=degree > 0)
    return sp.csr_matrix(-sp.diags(inverse) @ a @ sp.diags(inverse))


@pytest.fixture(params=["numba", "torch"])
def product(request, monkeypatch):
    """Run a test once with the fused kernel and once with PyTorch's product."""
    if request.param == "torch":
        monkeypatch.setattr(sparse_module, "_fused_kernel", None)
    return request.param


@pytest.mark.parametrize(("inputs", "outputs"), [(3, 16), (16, 16), (16, 3), (5, 1), (1, 1)])
@pytest.mark.parametrize("order", [1, 2, 3, 6])
def test_outputs_and_gradients_equal_torch_geometric(product, inputs, outputs, order):
    torch.manual_seed(order)
    triangles = random_triangles(order)
    pairs = edges(triangles)
    edge_index = torch.from_numpy(np.concatenate([pairs, pairs[:, ::-1]]).T.copy())
    reference = ReferenceChebConv(inputs, outputs, order)
    ours = ChebConv(SparseMatrix(scaled_laplacian(triangles)), inputs, outputs, order)
    with torch.no_grad():
        ours.bias.copy_(torch.randn(outputs))
        reference.bias.copy_(ours.bias)
        for k, linear in enumerate(reference.lins):
            linear.weight.copy_(ours.weight[k].T)
    batch = 4
    x = torch.randn(VERTICES, batch, inputs, requires_grad=True)
    y = ours(x)
    x_reference = x.detach().clone().requires_grad_()
    # PyG leaves isolated vertices out of lambda_max; 2 is what the scaled Laplacian assumes.
    y_reference = torch.stack(
        [reference(x_reference[:, b], edge_index, lambda_max=2.0) for b in range(batch)], dim=1
    )
    used = np.unique(triangles)
    seed = torch.randn_like(y)
    seed[np.setdiff1d(np.arange(VERTICES), used)] = 0
    y.backward(seed)
    y_reference.backward(seed)

    def close(a, b):
        a, b = a.detach(), b.detach()
        assert torch.linalg.norm(a - b) <= 1e-5 * max(1.0, float(torch.linalg.norm(b)))

    close(y[used], y_reference[used])
    close(x.grad[used], x_reference.grad[used])
    close(ours.bias.grad, reference.bias.grad)
    for k, linear in enumerate(reference.lins):
        close(ours.weight.grad[k], linear.weight.grad.T)


@pytest.mark.parametrize("order", [1, 2, 5])
@pytest.mark.parametrize(("inputs", "outputs"), [(2, 4), (3, 3), (4, 2)])
def test_some_vertices_only_equals_all_of_them_selected(product, inputs, outputs, order):
    torch.manual_seed(0)
    keep = torch.tensor([1, 4, 9, 30, 39])
    laplacian = SparseMatrix(scaled_laplacian(random_triangles(4)))
    some = ChebConv(laplacian, inputs, outputs, order, keep=keep).double()
    every = ChebConv(laplacian, inputs, outputs, order).double()
    every.load_state_dict(some.state_dict())
    x = torch.randn(VERTICES, 2, inputs, dtype=torch.float64, requires_grad=True)
    y = torch.randn(5, 2, outputs, dtype=torch.float64)
    gradients = [
        torch.autograd.grad((out * y).sum(), (x, layer.weight, layer.bias))
        for layer, out in ((some, some(x)), (every, every(x)[keep]))
    ]
    torch.testing.assert_close(some(x), every(x)[keep])
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("keep", [None, torch.tensor([0, 3, 8])])
@pytest.mark.parametrize(("inputs", "outputs"), [(2, 4), (3, 3), (4, 2)])
def test_gradcheck_in_double_precision(product, inputs, outputs, keep):
    torch.manual_seed(0)
    laplacian = SparseMatrix(scaled_laplacian(random_triangles(1)))
    layer = ChebConv(laplacian, inputs, outputs, 5, keep=keep).double()
    x = torch.randn(VERTICES, 2, inputs, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, (x,))
    weight = layer.weight.detach().clone().requires_grad_()

    def with_weight(w):
        return torch.func.functional_call(layer, {"weight": w}, (x.detach(),))

    assert torch.autograd.gradcheck(with_weight, (weight,))


def test_an_isolated_vertex_keeps_only_the_even_terms():
    """Where L~ has an empty row, T_k(L~) x is x, 0, -x, 0, ..."""
    laplacian = SparseMatrix(scaled_laplacian(random_triangles(2)))
    x = torch.randn(VERTICES, 3)
    for k, term in enumerate(chebyshev_terms(laplacian, x, 6)):
        expected = x[-1] * (0 if k % 2 else (-1) ** (k // 2))
        torch.testing.assert_close(term[-1], expected)


def test_clenshaw_equals_the_sum_of_terms(product):
    laplacian = SparseMatrix(scaled_laplacian(random_triangles(3)))
    for order in range(1, 8):
        c = [torch.randn(VERTICES, 4, dtype=torch.float64) for _ in range(order)]
        expected = sum(chebyshev_terms(laplacian, c[k], order)[k] for k in range(order))
        torch.testing.assert_close(clenshaw(laplacian, c), expected, rtol=1e-6, atol=1e-6)


def test_upsampling_and_its_gradient(product):
    rng = np.random.default_rng(0)
    matrix = sp.random(9, 5, density=0.4, random_state=rng, format="csr", dtype=np.float32)
    layer = Upsample(matrix)
    x = torch.randn(5, 6, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(layer(x), torch.from_numpy(matrix.toarray()).double() @ x)
    assert torch.autograd.gradcheck(layer, (x,))


def test_a_wrong_shape_names_both_shapes():
    layer = ChebConv(SparseMatrix(scaled_laplacian(random_triangles(0))), 3, 2, 2)
    with pytest.raises(ValueError, match=r"\(40, 1, 4\), expected \(40, batch, 3\)"):
        layer(torch.zeros(40, 1, 4))
    with pytest.raises(ValueError, match=r"matrix \(40, 40\) cannot multiply features \(39, 2\)"):
        layer.laplacian.product(torch.zeros(39, 2))
