"""The catalog's half on pictures: likeness, variety, agreement with the words, looks."""

from __future__ import annotations

from underpaint.stages.evaluate.catalog.metric_info import MetricInfo

PER_PROMPT = "mean over prompts of the prompt's mean, clustered by prompt"

LIKENESS: dict[str, MetricInfo] = {
    "fd": MetricInfo(
        title="Fréchet distance",
        direction="lower",
        minimum=64,
        explanation="How far the drawn pictures, taken together, lie from real ones: it compares the average and the "
        "spread of what a network sees in them. 0 means no difference; only numbers of one network can be compared.",
        source="Heusel et al., 2017, arXiv 1706.08500, equation 6",
    ),
    "fd_pca": MetricInfo(
        title="Fréchet distance, main directions",
        direction="lower",
        minimum=128,
        explanation="The Fréchet distance in the directions in which real pictures differ most, so that fewer pictures "
        "support it. 0 means no difference.",
        source="Heusel et al., 2017, arXiv 1706.08500, after a projection on the reference's principal components",
    ),
    "kid": MetricInfo(
        title="Kernel distance (KID)",
        direction="lower",
        minimum=100,
        explanation="Another distance between drawn and real pictures, fair with few pictures too. Near 0 (or just "
        "below) means that the two cannot be told apart.",
        source="Bińkowski et al., 2018, arXiv 1801.01401",
    ),
    "cmmd": MetricInfo(
        title="CLIP maximum mean discrepancy (CMMD)",
        direction="lower",
        minimum=100,
        explanation="How far the average drawn picture lies from the average real one in CLIP's eyes. It sees content, "
        "but hardly sees a lack of variety.",
        source="Jayasumana et al., 2024, arXiv 2401.09603; unbiased form",
    ),
    "cmmd_v": MetricInfo(
        title="CMMD, published form",
        direction="lower",
        minimum=100,
        explanation="CMMD exactly as its paper computes it; a few pictures make it look too large.",
        source="Jayasumana et al., 2024, arXiv 2401.09603; V-statistic",
    ),
    "mmd_rbf": MetricInfo(
        title="Maximum mean discrepancy",
        direction="lower",
        minimum=100,
        explanation="How far the average drawn picture lies from the average real one in this network's eyes. 0 means "
        "no difference.",
        source="Gretton et al., 2012; the kernel of arXiv 2401.09603",
    ),
    "mind": MetricInfo(
        title="Sliced Wasserstein distance (MIND)",
        direction="lower",
        minimum=1000,
        explanation="Looks at drawn and real pictures from a thousand random sides and adds up how far they lie apart.",
        source="arXiv 2605.06797",
    ),
    "precision": MetricInfo(
        title="Precision",
        direction="higher",
        minimum=500,
        explanation="The share of drawn pictures that look like something real. Low: many drawings are broken.",
        source="Kynkäänniemi et al., 2019, arXiv 1904.06991, k = 3",
    ),
    "recall": MetricInfo(
        title="Recall",
        direction="higher",
        minimum=500,
        explanation="The share of real pictures that the model could have drawn. Low: it leaves kinds of pictures out.",
        source="Kynkäänniemi et al., 2019, arXiv 1904.06991, k = 3",
    ),
    "density": MetricInfo(
        title="Density",
        direction="higher",
        minimum=500,
        explanation="How closely drawn pictures lie among real ones; about 1 when the two are alike. Less misled by "
        "odd single pictures than precision.",
        source="Naeem et al., 2020, arXiv 2002.09797, k = 5",
    ),
    "coverage": MetricInfo(
        title="Coverage",
        direction="higher",
        minimum=500,
        explanation="The share of real pictures that have a drawn one close by. Low: the model repeats itself.",
        source="Naeem et al., 2020, arXiv 2002.09797, k = 5",
    ),
    "inception_score": MetricInfo(
        title="Inception score",
        direction="higher",
        minimum=1000,
        explanation="High when a classifier is sure what each picture shows, and the pictures show many different "
        "things. It never looks at real pictures.",
        source="Salimans et al., 2016, arXiv 1606.03498",
    ),
}

VARIETY: dict[str, MetricInfo] = {
    "vendi_q1": MetricInfo(
        title="Vendi score",
        direction="higher",
        minimum=256,
        explanation="How many truly different pictures the set amounts to. It grows with the number of pictures: "
        "compare at equal numbers only.",
        source="Friedman and Dieng, 2023, arXiv 2210.02410; orders: arXiv 2310.12952",
    ),
    "vendi_within_prompt": MetricInfo(
        title="Vendi score within a prompt",
        direction="higher",
        minimum=30,
        explanation="How many truly different pictures come from asking for the same thing several times; 1 means "
        "always the same.",
        source=f"arXiv 2210.02410; {PER_PROMPT}",
    ),
    "pairwise_distance_within_prompt": MetricInfo(
        title="Distance within a prompt",
        direction="higher",
        minimum=30,
        explanation="How much two pictures of the same words differ on average; near 0 means that the model draws the "
        "same again and again.",
        source=PER_PROMPT,
    ),
    "authenticity": MetricInfo(
        title="Authenticity",
        direction="higher",
        minimum=299,
        explanation="The share of pictures that are not closer to a training picture than training pictures are to "
        "each other. Low hints at copying.",
        source="Alaa et al., 2022, arXiv 2102.08921",
    ),
    "nearest_ratio_flagged": MetricInfo(
        title="Possible copies",
        direction="lower",
        minimum=299,
        explanation="The share of pictures suspiciously close to one training picture. Real pictures that the model "
        "never saw are flagged about 1 % of the time.",
        source="Carlini et al., 2023, arXiv 2301.13188; threshold: 1 % quantile of held-out pictures",
    ),
    "novelty": MetricInfo(
        title="Novelty",
        direction="none",
        minimum=30,
        explanation="How far a drawn picture lies from its nearest training picture, next to how far real unseen "
        "pictures lie. 1 means as new as a real new picture.",
        source=PER_PROMPT,
    ),
}

PAIRED: dict[str, MetricInfo] = {
    "psnr": MetricInfo(
        title="Peak signal-to-noise ratio (PSNR)",
        unit="dB",
        direction="higher",
        minimum=30,
        explanation="How exactly a picture repeats another one, dot by dot. Above 40 dB hardly anybody sees a "
        "difference.",
        source="Huynh-Thu and Ghanbari, 2008",
    ),
    "ssim": MetricInfo(
        title="Structural similarity (SSIM)",
        direction="higher",
        minimum=30,
        explanation="How alike two pictures are in light, contrast and structure; 1 means equal.",
        source="Wang et al., 2004",
    ),
    "ms_ssim": MetricInfo(
        title="Structural similarity at several scales",
        direction="higher",
        minimum=30,
        explanation="SSIM seen from near and from afar; 1 means equal.",
        source="Wang et al., 2003",
    ),
    "feature_distance": MetricInfo(
        title="Feature distance",
        direction="lower",
        minimum=30,
        explanation="How different two pictures look to a network; 0 means equal.",
        source="the form of Zhang et al., 2018, arXiv 1801.03924, without its trained weights",
    ),
    "lpips": MetricInfo(
        title="LPIPS",
        direction="lower",
        minimum=30,
        explanation="How different two pictures look, by a network trained on people's answers; 0 means equal.",
        source="Zhang et al., 2018, arXiv 1801.03924",
    ),
}

LOOKS: dict[str, MetricInfo] = {
    "colorfulness_w1": MetricInfo(
        title="Colorfulness, distance to real",
        direction="lower",
        minimum=30,
        explanation="How far the drawn pictures' colorfulness lies from that of real ones. 0 means as colorful as they "
        "should be: neither paler nor gaudier.",
        source="Hasler and Süsstrunk, 2003; Wasserstein-1 distance",
    ),
    "sharpness_w1": MetricInfo(
        title="Sharpness, distance to real",
        direction="lower",
        minimum=30,
        explanation="How far the sharpness of edges lies from that of real pictures. 0 means just as sharp.",
        source="edge sharpness; Wasserstein-1 distance",
    ),
    "contrast_w1": MetricInfo(
        title="Contrast, distance to real",
        direction="lower",
        minimum=30,
        explanation="How far the difference of light and dark lies from that of real pictures. 0 means just as strong.",
        source="standard deviation of luma; Wasserstein-1 distance",
    ),
    "fractal_dimension_w1": MetricInfo(
        title="Detail, distance to real",
        direction="lower",
        minimum=30,
        explanation="How far the amount of fine detail lies from that of real pictures. 0 means just as detailed.",
        source="box-counting dimension of edges; Wasserstein-1 distance",
    ),
    "naturalness": MetricInfo(
        title="Naturalness score",
        direction="lower",
        minimum=30,
        explanation="How unusual the small textures of a picture are, next to real pictures of this kind.",
        source="Mittal et al., 2013 (NIQE), fitted to the reference",
    ),
    "naturalness_w1": MetricInfo(
        title="Naturalness, distance to real",
        direction="lower",
        minimum=30,
        explanation="How far the naturalness scores of drawn pictures lie from those of real ones. 0 means alike.",
        source="Mittal et al., 2013 (NIQE); Wasserstein-1 distance",
    ),
}
