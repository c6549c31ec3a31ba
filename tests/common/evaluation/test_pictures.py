from common.evaluation.pictures import Embedding, Pictures


def test_pictures_and_embedding(build_sets, tmp_path):
    findings = Pictures(count=2)(build_sets(), tmp_path)
    names = {"real.png", "generated.png", "real_slices.png", "generated_slices.png", "hu.png"}
    assert {path.name for path in findings.figures} == names
    embedding = Embedding(perplexity=5)(build_sets(), tmp_path)
    assert {path.name for path in embedding.figures} == {"tsne_octants_origin.png", "tsne_octants_centre.png"}


def test_without_cases_the_histograms_are_left(build_sets, tmp_path):
    findings = Pictures(count=0)(build_sets(), tmp_path)
    assert [path.name for path in findings.figures] == ["hu.png"]


def test_too_few_volumes_for_the_embedding_are_told(build_sets, tmp_path):
    findings = Embedding(perplexity=50)(build_sets(), tmp_path)
    assert not findings.figures
    assert "No t-SNE of octants" in findings.text[0]
